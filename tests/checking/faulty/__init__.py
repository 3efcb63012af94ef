"""An app with one fault of each kind. A comment `# fault: K404` says what `kikao check` has to find on its line."""
