"""What two or more Workers use. Plain typed Python but for `dotdo.entry`, the shared half of every Worker's entry."""
