"""The parts of the emulated Bot API: what people do, what methods do, and what they refuse."""
