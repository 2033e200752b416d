"""Colors as NumPy arrays: conversion, gamut, distributions, enhancement."""
