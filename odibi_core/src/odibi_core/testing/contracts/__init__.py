"""The contracts that an author subclasses, a module for each, and the parts that long ones are made of."""
