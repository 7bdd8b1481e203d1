"""The layers that turn one input into a vector, one file a family."""
