# Each target sets up .venv first where it is missing or stale. Without make: python scripts/dev.py TARGET
PYTHON ?= python3

.PHONY: demo test test-slow lint format serve bench picture reports
demo test test-slow lint format serve bench picture reports:
	@$(PYTHON) scripts/dev.py $@ $(ARGS)
