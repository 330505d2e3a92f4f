"""An independent reader of the Kloset store format, written from a description of it."""
