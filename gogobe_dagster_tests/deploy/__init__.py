"""What is in deploy/ is what the programs that read it accept."""
