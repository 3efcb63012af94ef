"""An app that does what the faulty one does, as it should be done: `kikao check` finds nothing."""
