using System.IO;
using UnityEditor;
using UnityEngine;

namespace Genlock.Editor
{
    /// <summary>Reads what the project is set to.</summary>
    internal static class ProjectReader
    {
        private const string ManifestPath = "Assets/Plugins/Android/AndroidManifest.xml";

        internal static ProjectFacts Read(GenlockClient client)
        {
            var target = EditorUserBuildSettings.activeBuildTarget;
            return new ProjectFacts
            {
                IsAndroid = target == BuildTarget.Android,
                ForcesInternet = PlayerSettings.Android.forceInternetPermission,
                Manifest = File.Exists(ManifestPath) ? File.ReadAllText(ManifestPath) : "",
                Url = client.Url,
                Token = client.Token,
                HasMicrophone = client.GetComponentInChildren<GenlockMicrophone>() != null,
                HasActions = client.Actions != null,
                NeedsMicrophoneUsage = target == BuildTarget.iOS,
                MicrophoneUsage = PlayerSettings.iOS.microphoneUsageDescription ?? "",
                ActionMistakes = client.Actions == null ? new string[0] : AppCheck.Mistakes(client.Actions.ToApp("")),
            };
        }
    }
}
