"""The parts of the emulated Cloud API: what people do, what messages may hold, and what is refused."""
