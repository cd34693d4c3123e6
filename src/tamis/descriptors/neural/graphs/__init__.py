"""ONNX graphs of backbones, built from weights or cut from exports."""
