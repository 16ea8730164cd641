"""PyTorch beside Blender: finding the hardware, installing into a folder of its own, trying it, taking it away."""
