# bpfd_add_bpf_object(<target> <source.bpf.c> [FLAGS <...>] [INSTALL])
#
# Compiles eBPF code to <current binary dir>/<source>.bpf.o with BTF, as the custom target <target>, which is part of `all`. The
# object's full path is in the target's property BPFD_BPF_OBJECT. FLAGS go to clang; INSTALL puts the object where the samples go.
execute_process(COMMAND ${CMAKE_C_COMPILER} -print-multiarch OUTPUT_VARIABLE BPFD_MULTIARCH
	OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT BPFD_MULTIARCH)
	# clang 14 prints nothing
	execute_process(COMMAND gcc -print-multiarch OUTPUT_VARIABLE BPFD_MULTIARCH
		OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()

function(bpfd_add_bpf_object target source)
	cmake_parse_arguments(OBJECT "INSTALL" "" "FLAGS" ${ARGN})
	get_filename_component(input ${source} ABSOLUTE)
	get_filename_component(name ${source} NAME)
	string(REGEX REPLACE "\\.c$" ".o" name ${name})
	set(output ${CMAKE_CURRENT_BINARY_DIR}/${name})
	# -g for the BTF; the paths of the build tree are cut out of it, so that an object is the same wherever it was built
	add_custom_command(OUTPUT ${output}
		COMMAND ${BPFD_BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror
			-fdebug-prefix-map=${PROJECT_SOURCE_DIR}=. -fdebug-compilation-dir=.
			-isystem /usr/include/${BPFD_MULTIARCH} -I${PROJECT_SOURCE_DIR} ${OBJECT_FLAGS}
			-MD -MF ${output}.d -MT ${output} -c ${input} -o ${output}
		DEPENDS ${input} DEPFILE ${output}.d COMMENT "eBPF object ${name}" VERBATIM)
	add_custom_target(${target} ALL DEPENDS ${output})
	set_target_properties(${target} PROPERTIES BPFD_BPF_OBJECT ${output})
	if(OBJECT_INSTALL)
		install(FILES ${output} DESTINATION ${CMAKE_INSTALL_LIBDIR}/bpfd/samples)
	endif()
endfunction()
