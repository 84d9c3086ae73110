# Overwritten by the sandbox work: turns seccomp/<role>.policy into a constant table and links it to the role.
function(bpfd_add_policy target role)
endfunction()
