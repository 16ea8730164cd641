"""The networks in PyTorch: training, GPUs, official checkpoints. Imported only where torch is wanted."""
