"""The networks without what is around them: sizes, samplers, model folders, and the two runtimes.

backends           The two runtimes behind one interface: torch where it is there, NumPy alone where it is not.
int8_quantization  Matrices in eight bits: whole numbers from -127 to 127 and one scale for each row.
noise_schedule     The noise schedule and the samplers' arithmetic (MODEL.md section 3), in NumPy for both runtimes.
samplers           The samplers, written once for both runtimes.
"""
