"""Each figure the project claims, measured side by side with what people use instead.

``python -m benchmarks`` runs everything; ``python -m benchmarks --help`` tells how to run less.
"""
