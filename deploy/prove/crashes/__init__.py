"""The crash matrix: steps of the code at which a process can be made to die, customers who pass them, rounds."""
