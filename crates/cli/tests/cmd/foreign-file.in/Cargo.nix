{ }: "by hand"
