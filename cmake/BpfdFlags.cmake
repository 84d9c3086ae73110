# Flags that every target of the project is compiled and linked with, through the interface library bpfd_flags.
include(CheckPIESupported)
check_pie_supported()

add_library(bpfd_flags INTERFACE)
target_compile_options(bpfd_flags INTERFACE
	-Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wformat=2
	-fno-common -fstack-protector-strong $<$<BOOL:${BPFD_WERROR}>:-Werror>)
target_compile_definitions(bpfd_flags INTERFACE _GNU_SOURCE BPFD_VERSION="${PROJECT_VERSION}")
target_link_options(bpfd_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)

if(BPFD_SANITIZE)
	target_compile_options(bpfd_flags INTERFACE -fsanitize=${BPFD_SANITIZE} -fno-omit-frame-pointer
		-fno-sanitize-recover=all)
	target_link_options(bpfd_flags INTERFACE -fsanitize=${BPFD_SANITIZE})
	set(BPFD_RUN ${PROJECT_SOURCE_DIR}/scripts/fixed-addresses) # what starts a program of this build; empty without sanitizers
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
	target_compile_options(bpfd_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()

# The code under a fuzz target has to tell it which branches it took.
if(BPFD_FUZZ)
	target_compile_options(bpfd_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
