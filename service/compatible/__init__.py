"""Two APIs that others have made, so that their clients work unchanged.

serving_v1.py                  TensorFlow Serving's REST API
inference_v2.py, answer_v2.py  the Open Inference Protocol: requests, answers
tensors_v2.py                  its binary tensors
"""
