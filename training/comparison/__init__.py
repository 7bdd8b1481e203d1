"""Does merging help? Each modality alone, both together in many ways, on the same rows and with the same budget."""
