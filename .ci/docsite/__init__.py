"""What `make docs` needs beside the pages: the reference, written from the source code."""
