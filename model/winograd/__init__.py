"""Convolutions by Winograd's minimal filtering, in C++: fewer products than computing each output by itself."""
