"""Motion as plain arrays: skeleton, features, retargeting, paths, quality. NumPy only."""
