@echo off
setlocal
set "root=%~dp0.."
set "node=%root%\node_modules\.bin\node.cmd"
if not exist "%node%" set "node=node"
call "%node%" --disable-warning=ExperimentalWarning "%root%\bin\earshot.mjs" %*
