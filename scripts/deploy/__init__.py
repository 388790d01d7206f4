"""Takes the platform to a dispatch namespace, looks whether it works there, and back."""
