using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Genlock.Unity.Tests")]
