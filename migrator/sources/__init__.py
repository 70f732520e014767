"""One module per kind of file: bytes to the pieces of text that rules see, and back."""
