"""Where messages of the shop end on a developer's machine: a mail server that keeps what it gets, a provider of text
messages and one of messages to devices, and pages that show all of it.

For development only. What is shown stands for mailboxes and telephones of customers, so nothing is left out of it:
links that set passwords are there for whoever can reach the page.
"""
