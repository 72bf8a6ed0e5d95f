"""The question `climb`: why does the loss climb?"""
