"""Whether samplers can be trusted: simulation-based calibration, and certificates for single fits."""
