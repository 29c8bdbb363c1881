"""A folder that installs the course without a network, for a workshop: wheels, the project, an installer, checksums."""
