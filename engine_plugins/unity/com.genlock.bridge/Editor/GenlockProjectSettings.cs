using UnityEditor;
using UnityEngine;

namespace Genlock.Editor
{
    /// <summary>What the project sets for all who work on it.</summary>
    [FilePath("ProjectSettings/GenlockSettings.asset", FilePathAttribute.Location.ProjectFolder)]
    internal sealed class GenlockProjectSettings : ScriptableSingleton<GenlockProjectSettings>
    {
        [SerializeField] private string url = "ws://127.0.0.1:8765";

        /// <summary>The address that a client gets which the menu makes.</summary>
        internal string Url
        {
            get
            {
                return url;
            }

            set
            {
                if (url != value)
                {
                    url = value;
                    Save(true);
                }
            }
        }
    }
}
