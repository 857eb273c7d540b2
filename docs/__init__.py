"""The pages; `write_batteries` writes those of the batteries."""
