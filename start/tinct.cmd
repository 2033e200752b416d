@echo off
rem Double-click this (Windows): it sets Tinct up the first time, then opens its page.
setlocal
title Tinct
cd /d "%~dp0.."
set "python="
rem The launcher of python.org finds the newest; what the Microsoft Store puts under "python" may only be an advertisement.
for %%p in ("py -3" "python" "python3") do (
    if not defined python (
        %%~p -c "import sys; sys.exit(sys.version_info < (3, 11))" >nul 2>nul && set "python=%%~p"
    )
)
if not defined python (
    echo Tinct needs Python 3.11 or newer. Get it from https://www.python.org/downloads/ and start this again.
    pause
    exit /b 1
)
%python% scripts\dev.py start %*
if errorlevel 1 (
    pause
    exit /b 1
)
