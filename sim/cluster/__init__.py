"""Work on other machines, over Ray."""
