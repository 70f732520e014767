"""What the code means: names and scopes of a module, and the tasks, flows, blocks and runners of a project."""
