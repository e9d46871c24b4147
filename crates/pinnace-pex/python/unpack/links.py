def link(source, target):
    """Show what is in `source` in `target`: by one link where nobody else has that name, else folder
    by folder. What is there already stays."""
    if not os.path.isdir(source):
        return
    os.makedirs(target, exist_ok=True)
    for name in sorted(os.listdir(source)):
        mine, theirs = os.path.join(source, name), os.path.join(target, name)
        if not os.path.lexists(theirs):
            os.symlink(mine, theirs)
        elif os.path.isdir(mine) and os.path.isdir(theirs):
            if os.path.islink(theirs):
                first = os.readlink(theirs)
                os.unlink(theirs)
                os.mkdir(theirs)
                link(first, theirs)
            link(mine, theirs)
