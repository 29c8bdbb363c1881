@echo off
rem Windows: double-click, or: install.bat [FOLDER]. Finds a Python that the kit is for; install.py does the rest.
setlocal
set "kit=%~dp0"
set "found="
for %%P in ("py -3.14" "py -3.13" "py -3.12" "py -3.11" "python") do (
  if not defined found (
    %%~P "%kit%install.py" --fits >nul 2>nul
    if not errorlevel 1 set "found=%%~P"
  )
)
if not defined found set "found=python"
%found% "%kit%install.py" %*
if errorlevel 9009 echo install: no Python was found; install Python from python.org, then run this again
pause
