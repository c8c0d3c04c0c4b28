"""Copy the current labels to where people look: a table, a report, the column of Slicer's DICOM browser."""
