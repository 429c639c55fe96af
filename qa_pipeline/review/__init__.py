"""What people see: scorecards and annotated transcripts, on a terminal, as data, or as one HTML file."""
