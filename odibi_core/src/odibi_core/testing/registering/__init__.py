"""What a plugin does and leaves behind when it is registered, what its specs lack, and what its wheel says."""
