"""The networks in NumPy, for installations without PyTorch.

lapped_vae  The lapped VAE (`torch_impl.lapped_vae`) in NumPy float32, for inference.
layers      Transformer layers in NumPy float32, for inference.
matmul      Matrix products that are fast whether or not NumPy was built with a BLAS.
network     A whole MotionLCM model in NumPy float32, for inference, with the interface of the PyTorch networks.
openblas    Matrix products by OpenBLAS, from the package scipy-openblas32, where NumPy has no BLAS.
"""
