"""What is computed in C++ (src), and how it is found."""
