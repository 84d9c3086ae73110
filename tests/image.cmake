# The image library: references, JSON of registries, layers, objects, evidence, and images that are built.
foreach(name reference json index manifest config)
	bpfd_add_test(NAME image_${name}_test LABEL unit SOURCES unit/image_${name}_test.c LIBRARIES bpfd_image)
endforeach()
