"""Models as data: a folder with weights, labels, preprocessing, calibration, card and checksums."""
