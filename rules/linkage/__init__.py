"""Linking reports about the same worker, household and employer: what agencies send, levelled before it is compared.

Every reader takes text as it came, never raises, and answers the same for the same text. What a reader returns holds
personal values outside of `repr`.
"""
