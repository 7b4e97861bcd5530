"""What holds for everybody's options: unknown ones are refused, secrets are not shown, planning stays light."""
