complete --keep-order --exclusive --command ecsws --arguments "(COMPLETE=fish ecsws -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
