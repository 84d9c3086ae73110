# bpfd_add_policy(target role...): links the constant tables made from seccomp/<role>.policy, one static library per role
# (seccomp/CMakeLists.txt), to the target.
function(bpfd_add_policy target)
	foreach(role ${ARGN})
		target_link_libraries(${target} PRIVATE bpfd_policy_${role})
	endforeach()
endfunction()

# Compiles a policy to a C file: bpfd_compile_policy(role file.policy OUT variable)
function(bpfd_compile_policy role policy output)
	set(source ${CMAKE_CURRENT_BINARY_DIR}/policy_${role}.c)
	add_custom_command(OUTPUT ${source}
		COMMAND bpfd_policy_compile ${policy} ${source}
		DEPENDS bpfd_policy_compile ${policy}
		COMMENT "Compiling sandbox policy ${role}" VERBATIM)
	set(${output} ${source} PARENT_SCOPE)
endfunction()
