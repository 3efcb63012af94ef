"""The audit trail: which effects members came to, and what became of them, in the records."""
